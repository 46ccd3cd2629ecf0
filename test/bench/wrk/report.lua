-- What wrk.ts reads; times are in microseconds.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\nreport {"requests": %d, "failed": %d, "microseconds": %d, "p99": %d}\n',
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration, latency:percentile(99)))
end
