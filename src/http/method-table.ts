type Route = { method: string; path: string }

/** Tells which methods a path is known under (RFC 9110, 15.5.6), from the routes themselves, read at the first question. */
export function methodTable(routes: () => Route[]): (path: string) => string[] {
  let table: Array<{ path: string; pattern: RegExp; method: string }> | undefined
  return path => {
    table ??= routes()
      .filter(({ method }) => method !== 'OPTIONS')
      .map(({ method, path }) => ({ path, pattern: patternOf(path), method }))
    const known = table.filter(({ pattern }) => pattern.test(path))
    // What is named itself is no value of a parameter.
    const named = known.filter(route => !route.path.includes(':'))
    const methods = (named.length > 0 ? named : known).map(({ method }) => method)
    if (methods.includes('GET')) methods.push('HEAD')
    return [...new Set(methods)].sort()
  }
}

/** A parameter is one segment; a closing slash is overlooked, as the router does. */
const patternOf = (path: string) => new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}/?$`)
