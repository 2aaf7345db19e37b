# SPDX-License-Identifier: GPL-2.0-only
# One line for each JSON line (read with -r): what tally.py needs of it, columns by tabs.
if .rec == "interval" then "interval\t\(tojson)"
elif .rec == "exit" then
	"exit\t\(.pid)\t\(.start_ns)\t\(.comm | @json)\t\(.ppid)\t\(.seconds)\t\(.minor_total)\t\(.major_total)"
elif .rec == "faults" and .comm == "remap" then
	"area\t\(.pid)\t\(.start_ns)\t\(.map_start)\t\(.map_end)\t\(.kind)\t\(.minor)\t\(.major)\t\(.denied)"
elif .rec == "faults" then "row\t\(.minor)\t\(.major)\t\(.denied)"
elif .rec == "process" or .rec == "meta" then .rec
else error("no such record: \(.rec)") end
