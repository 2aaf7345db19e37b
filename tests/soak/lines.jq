# SPDX-License-Identifier: GPL-2.0-only
# One line for each JSON line (read with -r): what tally.py needs of it, columns by tabs.
if .rec == "interval" then "interval\t\(tojson)"
elif .rec == "exit" then
	"exit\t\(.pid)\t\(.start_ns)\t\(.comm | @json)\t\(.ppid)\t\(.seconds)\t\(.minor_total)\t\(.major_total)"
# remap is the shell until the reading that sees its exec: rows are read after names.
elif .rec == "faults" and (.comm == "remap" or .comm == "storm.sh") then
	"area\t\(.pid)\t\(.start_ns)\t\(.map_start)\t\(.map_end)\t\(.kind)\t\(.minor)\t\(.major)\t\(.denied)"
elif .rec == "faults" then "row\t\(.minor)\t\(.major)\t\(.denied)"
elif .rec == "process" or .rec == "meta" then .rec
else error("no such record: \(.rec)") end
