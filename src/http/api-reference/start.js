/* Starts Swagger UI in the page at /docs. A file of its own: the page's policy runs no script that stands in it. */
window.ui = window.SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // Otherwise the document is sent to a validator on the web.
  validatorUrl: null,
})
