-- For wrk: walks a list of targets, one a line, again and again, so that no request is answered
-- from what the one before it left behind. Arguments: file, method, bytes of the body.
-- Prints one JSON line at the end; every request is formatted once, before the clock starts.
local requests = {}
local position = 0

function init(args)
  local body = nil
  if tonumber(args[3]) > 0 then body = string.rep("0123456789abcdef", tonumber(args[3]) / 16) end
  for target in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(args[2], target, wrk.headers, body)
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%.0f,"p50_us":%d,"p99_us":%d,' ..
    '"failed":%d,"refused":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
