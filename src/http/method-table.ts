type Route = { method: string; path: string }

/** Tells which methods a path is known under (RFC 9110, 15.5.6), from the routes themselves, read at the first question. */
export function methodTable(routes: () => Route[]): (path: string) => string[] {
  let table: Array<{ pattern: RegExp; method: string }> | undefined
  return path => {
    table ??= routes()
      .filter(({ method }) => method !== 'OPTIONS')
      .map(({ method, path }) => ({ pattern: patternOf(path), method }))
    const methods = table.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    if (methods.includes('GET')) methods.push('HEAD')
    return [...new Set(methods)].sort()
  }
}

/** A parameter is one segment; a closing slash is overlooked, as the router does. */
const patternOf = (path: string) => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}/?$`)
