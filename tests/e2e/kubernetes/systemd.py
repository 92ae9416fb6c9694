"""What the stories of services share."""

DROP_IN = "/run/systemd/system/{}.service.d/90-delvegate.conf"
_SHOWN = ("ExecStart,ExecStartPre,ExecStopPost,DropInPaths,Type,Restart,Environment,EnvironmentFiles,FragmentPath,UnitFileState,"
          "KillMode,WatchdogUSec,TimeoutStopUSec,WorkingDirectory,User,NeedDaemonReload")
_OF_ONE_RUN = ("start_time", "stop_time", "pid", "code", "status")


class Service:
    """Mixed into a Story. files: what is to stay as it is besides the unit's own files."""

    definition = {"kind": "systemd"}
    files = ()

    def snapshot(self):
        """The unit as systemd has it; names, inodes, owners, modes, times and text of its files."""
        said = self.node.run(["systemctl", "show", "-p", _SHOWN, self.component], check=True).stdout
        unit = [line for line in said.replace(" ; ", "\n").splitlines() if not line.startswith(_OF_ONE_RUN)]
        folders = [f"{place}/systemd/system/{self.component}.service{more}" for place in ("/etc", "/run", "/usr/lib")
                   for more in ("", ".d")]
        found = self.node.run(["find", *folders, *self.files, "-type", "f"]).stdout.split()
        there = self.node.run(["stat", "-c", "%n %i %u %g %a %.9Y %s", *sorted(found)], check=True).stdout
        return unit, there.splitlines(), [self.node.read(path) for path in sorted(found)]

    def main_process(self):
        """Words of its command line; [] while there is none."""
        pid = self.node.run(["systemctl", "show", "-p", "MainPID", "--value", self.component], check=True).stdout
        return self.node.processes().get(int(pid), [])

    def wait_back(self):
        program = f"/usr/bin/{self.component}"
        self.cluster.wait("no drop-in of ours", lambda: not self.node.exists(DROP_IN.format(self.component)))
        self.cluster.wait(f"{program} runs", lambda: self.main_process()[:1] == [program])
