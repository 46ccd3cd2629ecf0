/** Swagger UI, served by ourselves: nothing of the page comes from anywhere else. */

import iconPath from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' }
import licensePath from 'swagger-ui-dist/LICENSE' with { type: 'file' }
import noticePath from 'swagger-ui-dist/NOTICE' with { type: 'file' }
import stylePath from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import bundlePath from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import bundleLicensePath from 'swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt' with { type: 'file' }
import { Asset } from './asset.ts'
import startPath from './start.js' with { type: 'file' }

const files = {
  'swagger-ui.css': { path: stylePath, type: 'text/css; charset=utf-8' },
  'swagger-ui-bundle.js': { path: bundlePath, type: 'text/javascript; charset=utf-8' },
  'start.js': { path: startPath, type: 'text/javascript; charset=utf-8' },
  'icon.png': { path: iconPath, type: 'image/png' },
  // Swagger UI is handed on with the page, and so is what it asks to be handed on (Apache 2.0, 4).
  LICENSE: { path: licensePath, type: 'text/plain; charset=utf-8' },
  NOTICE: { path: noticePath, type: 'text/plain; charset=utf-8' },
  'LICENSE.txt': { path: bundleLicensePath, type: 'text/plain; charset=utf-8' },
}

/** Instead of the one that forbids the API's answers everything. Requests are tried out against our own origin. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export type Page = {
  html: Asset
  /** By `version/file`: the version is the content's, so that what was loaded once is good for ever. */
  parts: Map<string, Asset>
}

export async function openPage(): Promise<Page> {
  const parts = new Map<string, Asset>()
  const address: Record<string, string> = {}
  for (const [name, { path, type }] of Object.entries(files)) {
    const part = await Asset.of(await Bun.file(path).bytes(), {
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
    })
    parts.set(`${part.hash}/${name}`, part)
    address[name] = `docs/${part.hash}/${name}`
  }
  const html = await Asset.of(markup(address), {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': contentSecurityPolicy,
  })
  return { html, parts }
}

/** Its addresses are relative, so that it works under whatever path a proxy puts it. */
const markup = (address: Record<string, string>) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley API</title>
<link rel="icon" href="${address['icon.png']}">
<link rel="license" href="${address.LICENSE}">
<link rel="license" href="${address.NOTICE}">
<link rel="license" href="${address['LICENSE.txt']}">
<link rel="stylesheet" href="${address['swagger-ui.css']}">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. What it shows is <a href="openapi.json">openapi.json</a>.</noscript>
<script src="${address['swagger-ui-bundle.js']}"></script>
<script src="${address['start.js']}"></script>
</body>
</html>
`
