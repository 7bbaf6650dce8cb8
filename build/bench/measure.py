"""Runs a command and prints what it cost as one line of JSON: measure.py COMMAND [ARGUMENT ...]

wall, cpu: seconds, cpu with all children that were waited for. memory: bytes, the peak of the largest
single process. written: bytes that the command and its children gave to a disk (getrusage(2), wait4(2)).
"""
import json
import os
import sys
import time

start = time.perf_counter()
child = os.fork()
if child == 0:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(json.dumps({
    "wall": time.perf_counter() - start,
    "cpu": usage.ru_utime + usage.ru_stime,
    "memory": usage.ru_maxrss * 1024,
    "written": usage.ru_oublock * 512,
    "status": os.waitstatus_to_exitcode(status),
}))
