/** Imported with { type: 'file' }: the path of the file, inside of the executable too. */
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  const path: string
  export default path
}
declare module 'swagger-ui-dist/swagger-ui.css' {
  const path: string
  export default path
}
declare module 'swagger-ui-dist/favicon-32x32.png' {
  const path: string
  export default path
}
declare module 'swagger-ui-dist/LICENSE' {
  const path: string
  export default path
}
declare module 'swagger-ui-dist/NOTICE' {
  const path: string
  export default path
}
declare module '*/start.js' {
  const path: string
  export default path
}
declare module '*.md' {
  const text: string
  export default text
}
