-- Each connection pauses for so many milliseconds between an answer and its next request.
function init(args)
  pause = tonumber(args[1])
end

function delay()
  return pause
end
