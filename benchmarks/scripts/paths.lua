-- Asks for the paths of a file in turn; prints what came of it as one line of JSON.
--
--   wrk -t 1 -c N -s paths.lua URL -- FILE N [RATE] [watch]
--
-- N is the number of connections. Without a rate, or with 0, each connection asks again at once. With one, requests are due at that
-- many a second, whichever connection is free takes the next, and JSON says how late they were sent.
-- With "watch" the answers' X-Cache is counted, which costs the generator some more.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } products_time;
  int clock_gettime(int, products_time *);
  // what wrk 4.1 and 4.2 keep of latencies: how many took so many microseconds
  typedef struct { uint64_t count, limit, min, max, data[]; } products_stats;
]]
local MONOTONIC = 1
local LATEST = 60000 -- milliseconds
local WITHOUT_A_HOST = { HIT = true, STALE = true, UPDATING = true }
local PERCENTILES = { 50, 75, 90, 95, 99, 99.5, 99.9 }

local clock = ffi.new("products_time")
local function now() -- in milliseconds
  ffi.C.clock_gettime(MONOTONIC, clock)
  return tonumber(clock.seconds) * 1000 + tonumber(clock.nanoseconds) / 1e6
end

-- In the thread that asks ----------------------------------------------------------------------

local requests, place = {}, 0
local first, interval -- when the first request was due, and how long it is to the next
local due, sent = 0, 0
-- of threads, read by wrk's own one
late = {} -- how many requests were sent so many milliseconds after they were due, rounded up
hits, watched = 0, 0
connections = 0
prepared = 0 -- CPU seconds of this process until it began to ask

function init(arguments)
  for path in io.lines(arguments[1]) do
    requests[#requests + 1] =
      "GET " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n\r\n"
  end
  connections = tonumber(arguments[2])
  local rate = tonumber(arguments[3] or 0)
  if rate > 0 then
    interval = 1000 / rate
    delay = wait_for_turn
  end
  if arguments[4] == "watch" then response = count_hit end
  prepared = os.clock()
end

function request()
  place = place % #requests + 1
  -- wrk asks once before it begins
  if first then
    local lateness = math.max(0, math.ceil(now() - first - sent * interval))
    lateness = math.min(lateness, LATEST)
    late[lateness] = (late[lateness] or 0) + 1
    sent = sent + 1
  end
  return requests[place]
end

function wait_for_turn()
  local time = now()
  first = first or time
  local wait = first + due * interval - time
  due = due + 1
  return math.max(0, math.floor(wait + 0.5))
end

function count_hit(_, headers)
  watched = watched + 1
  if WITHOUT_A_HOST[headers["X-Cache"] or "MISS"] then hits = hits + 1 end
end

-- In wrk's own thread --------------------------------------------------------------------------

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local function lateness_percentile(counts, percent)
  local all, seen = 0, 0
  for _, count in pairs(counts) do all = all + count end
  for milliseconds = 0, LATEST do
    seen = seen + (counts[milliseconds] or 0)
    if all > 0 and seen >= all * percent / 100 then return milliseconds end
  end
  return 0
end

-- wrk adds answers that were never asked for: for each that took twice as long as there was time for
-- one on its connection, those that would have been late had they been asked for meanwhile. In a
-- closed loop nobody would have; at a rate, how late requests were sent is counted already. So
-- what src/stats.c's stats_correct has added is taken away again, the greatest first.
local function uncorrect(latency, summary, connections)
  local each = math.floor(summary.requests / connections)
  if each == 0 then return end
  local stats = ffi.cast("products_stats **", latency)[0]
  local interval = math.floor(summary.duration / each)
  local all = 0
  for time = tonumber(stats.max), 2 * interval, -1 do
    local count = stats.data[time]
    if count > 0 then
      for added = time - interval, interval + 1, -interval do
        stats.data[added] = stats.data[added] - count
        stats.count = stats.count - count
      end
    end
  end
  for time = tonumber(stats.min), tonumber(stats.max) do all = all + stats.data[time] end
  assert(all == stats.count, "wrk keeps latencies in another way than this script knows")
end

local function object(values, form)
  local parts = {}
  for name, value in pairs(values) do
    table.insert(parts, string.format('"%s":' .. form, name, value))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function done(summary, latency)
  uncorrect(latency, summary, threads[1]:get("connections"))
  local answered = { mean = latency.mean / 1000, max = latency.max / 1000 }
  local lateness = {}
  local counts = threads[1]:get("late")
  for _, percent in ipairs(PERCENTILES) do
    answered["p" .. percent] = latency:percentile(percent) / 1000
    lateness["p" .. percent] = lateness_percentile(counts, percent)
  end
  io.write("\n", string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"errors":%s,"latency_ms":%s,"late_ms":%s,'
      .. '"watched":%d,"hits":%d,"prepared_cpu":%.3f}',
    summary.requests, summary.duration / 1e6, summary.bytes, object(summary.errors, "%d"),
    object(answered, "%.3f"), object(lateness, "%d"),
    threads[1]:get("watched"), threads[1]:get("hits"), threads[1]:get("prepared")
  ), "\n")
end
