"""HAProxy on a host of its own in front of the containers, as the README says to set it up: it
asks each container's health port, and sends a request that met no answer elsewhere."""

import csv
import http.client
import io

from .containers import HEALTH_PORT
from .host import wait_until

PORT, STATS_PORT = 80, 8080


class Balancer:
    def __init__(self, host, containers):
        self.host, self.address = host, f"{host.address}:{PORT}"
        servers = "".join(f"  server {each.name} {each.address} check port {HEALTH_PORT}\n"
                          for each in containers)
        # While a volume settles that a brick has gone no container is ready: wait, don't fail.
        anyway = "".join(f"  server {each.name}-anyway {each.address} backup\n"
                         for each in containers)
        configuration = host.folder / "haproxy.cfg"
        configuration.write_text(f"""\
defaults
  mode http
  timeout connect 1s
  timeout client 90s
  timeout server 90s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response 503
listen s3
  bind {self.address}
  balance roundrobin
  option httpchk GET /wekas3api/health/ready
  http-check expect status 200
  option allbackups
  default-server inter 500ms fastinter 200ms fall 2 rise 2 on-marked-down shutdown-sessions
{servers}\
{anyway}\
listen stats
  bind {host.address}:{STATS_PORT}
  stats enable
  stats uri /
""")
        self.process = host.start("haproxy", "-db", "-f", configuration,
                                  log=host.folder / "haproxy.log")

    def states(self):
        """Of each container, as HAProxy sees it: True where it gets requests. Inside the switch."""
        connection = http.client.HTTPConnection(self.host.address, STATS_PORT, timeout=5)
        try:
            connection.request("GET", "/;csv")
            text = connection.getresponse().read().decode().lstrip("# ")
        finally:
            connection.close()
        return {row["svname"]: row["status"].startswith("UP") for row in
                csv.DictReader(io.StringIO(text)) if row["pxname"] == "s3"
                and row["svname"] not in ("FRONTEND", "BACKEND")
                and not row["svname"].endswith("-anyway")}

    def wait_states(self, **wanted):
        def as_wanted():
            try:
                seen = self.states()
            except OSError:
                return False
            return all(seen[name] == state for name, state in wanted.items())
        wait_until(as_wanted, f"{wanted} at the balancer", 60)
