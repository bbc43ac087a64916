"""Says its first argument, and ends with its second, or never."""

import sys
import time

print(sys.argv[1], file=sys.stderr, flush=True)
if len(sys.argv) > 2:
    sys.exit(int(sys.argv[2]))
time.sleep(3600)
