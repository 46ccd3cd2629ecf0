-- Each thread has one connection and is one client: it refreshes with the token that its last answer brought.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set('number', threads)
end

function init(args)
  token = args[number]
  wrk.method = 'POST'
  wrk.headers['content-type'] = 'application/json'
end

function request()
  return wrk.format(nil, nil, nil, '{"refresh_token":"' .. token .. '"}')
end

function response(status, headers, body)
  token = body:match('"refresh_token":"([^"]+)"') or token
end
