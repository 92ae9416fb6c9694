"""The stand-in kubelet does what was measured on a real one, and its components what components do."""

import json

from harness import waiting
from harness.rig import RigCase, manifests
from harness.rig.kubelet import DEBUG_DIRECTORY, IMAGES

NEVER = "1h"  # no list after the first: what happens is inotify's doing
SOON = "1s"
YAML = f"{manifests.DIRECTORY}/kube-scheduler.yaml"


class KubeletTest(RigCase):
    def start(self, text=None, **more):
        self.kubelet = self.new_kubelet({"kube-scheduler.yaml": text or manifests.scheduler()},
                                        **dict({"list_every": NEVER, "backoff": "100ms", "backoff_max": "1s"}, **more))
        self.node = self.kubelet.node
        return self.kubelet.wait_running("kube-scheduler")

    def move(self, source, target):
        self.node.run(["mv", source, target], check=True)

    def lists(self):
        """Lists done since: each complains about the folder that is put there for it."""
        return self.kubelet.log().count(f"Not recursing into manifest path {manifests.DIRECTORY}/folder")

    def wait_two_lists(self):
        self.node.run(["mkdir", "-p", f"{manifests.DIRECTORY}/folder"], check=True)
        before = self.lists()
        waiting.until("two lists more", lambda: self.lists() >= before + 2)


class FilesTest(KubeletTest):
    def test_moved_to_another_directory_and_back(self):
        one = self.start()
        self.kubelet.wait_duty("kube-scheduler")
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)
        self.assertTrue(self.kubelet.duty("kube-scheduler")["released"], "it was not asked to end")
        self.move("/etc/kubernetes/held.yaml", YAML)
        two = self.kubelet.wait_running("kube-scheduler", other_than=one)
        self.assertEqual(two["uid"], one["uid"])
        self.kubelet.wait_duty("kube-scheduler")

    def test_another_ending_restarts_it(self):
        one = self.start()
        self.move(YAML, YAML + ".bak")
        self.kubelet.wait_gone(one)
        self.kubelet.wait_running("kube-scheduler", other_than=one)
        self.assertEqual(self.kubelet.pod("kube-scheduler")["file"], YAML + ".bak")

    def test_a_dotfile_is_none(self):
        one = self.start(list_every=SOON)
        self.move(YAML, f"{manifests.DIRECTORY}/.kube-scheduler.yaml")
        self.kubelet.wait_gone(one)
        self.wait_two_lists()
        self.assertIsNone(self.kubelet.pod("kube-scheduler"))
        self.move(f"{manifests.DIRECTORY}/.kube-scheduler.yaml", YAML)
        self.kubelet.wait_running("kube-scheduler", other_than=one)

    def test_a_folder_is_not_looked_into(self):
        one = self.start(list_every=SOON)
        self.node.run(["mkdir", f"{manifests.DIRECTORY}/folder"], check=True)
        self.move(YAML, f"{manifests.DIRECTORY}/folder/kube-scheduler.yaml")
        self.kubelet.wait_gone(one)
        self.wait_two_lists()
        self.assertIsNone(self.kubelet.pod("kube-scheduler"))

    def test_a_copy_that_is_removed_takes_the_pod_with_it_until_the_next_list(self):
        one = self.start(list_every="5s")
        self.node.run(["cp", YAML, YAML + ".copy"], check=True)
        waiting.until("the copy read", lambda: self.kubelet.pod("kube-scheduler")["file"] == YAML + ".copy")
        self.assertEqual(self.kubelet.running("kube-scheduler")["id"], one["id"])
        self.node.run(["rm", YAML + ".copy"], check=True)
        self.kubelet.wait_gone(one)
        self.kubelet.wait_running("kube-scheduler", other_than=one)  # nothing was touched: the list did it
        self.assertEqual(self.kubelet.pod("kube-scheduler")["file"], YAML)

    def test_a_link_to_a_file_counts(self):
        one = self.start()
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)
        self.node.run(["ln", "-s", "/etc/kubernetes/held.yaml", YAML], check=True)
        self.kubelet.wait_running("kube-scheduler", other_than=one)

    def test_half_a_file_is_an_error_and_the_pod_stays(self):
        one = self.start()
        self.node.run(["/bin/sh", "-c", f'echo "apiVersion: [" > {YAML}'], check=True)
        waiting.until("an error", lambda: "could not process manifest file" in self.kubelet.log())
        self.assertEqual(self.kubelet.running("kube-scheduler")["id"], one["id"])

    def test_a_list_ends_what_it_cannot_read(self):
        one = self.start(list_every=SOON)
        self.node.run(["/bin/sh", "-c", f'echo "apiVersion: [" > {YAML}'], check=True)
        self.kubelet.wait_gone(one)

    def test_a_stopped_kubelet_lets_it_run_and_catches_up(self):
        one = self.start()
        self.kubelet.stop()
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_duty("kube-scheduler")
        self.kubelet.start()
        self.kubelet.wait_gone(one)

    def test_a_restarted_kubelet_takes_over_what_runs(self):
        one = self.start()
        self.kubelet.restart()
        self.assertEqual(self.kubelet.wait_running("kube-scheduler")["id"], one["id"])
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)

    def test_the_flag_wins_over_the_file(self):
        kubelet = self.new_kubelet({}, directory="/etc/elsewhere", flags=["--pod-manifest-path", manifests.DIRECTORY])
        kubelet.node.write(YAML, manifests.scheduler(), 0o600)
        kubelet.wait_running("kube-scheduler")

    def test_it_works_under_dlv_by_a_drop_in(self):
        one = self.start()
        before = self.kubelet.duty("kubelet")["pid"]
        drop_in = "/run/systemd/system/kubelet.service.d/90-rig.conf"
        self.node.write(drop_in, "[Service]\nEnvironment=HOME=/root\nExecStart=\nExecStart=/usr/local/bin/dlv exec "
                        f"{DEBUG_DIRECTORY}/kubelet --headless --listen=127.0.0.1:0 --accept-multiclient --continue -- "
                        "$KUBELET_CONFIG_ARGS $KUBELET_EXTRA_ARGS\n")
        self.kubelet.stop()
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.kubelet.start()
        duty = waiting.until(lambda: f"the debugged kubelet's duty\n{self.kubelet.log()}",
                             lambda: self.kubelet.duty("kubelet")["pid"] != before and self.kubelet.duty("kubelet"))
        self.assertEqual(self.node.processes()[duty["pid"]][0], f"{DEBUG_DIRECTORY}/kubelet")
        self.assertEqual(self.kubelet.running("kube-scheduler")["id"], one["id"])
        self.kubelet.put("kube-controller-manager.yaml", manifests.controller_manager())
        self.kubelet.wait_running("kube-controller-manager")
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)

    def test_a_reboot_starts_it_again(self):
        one = self.start()
        self.node.reboot()
        self.kubelet.wait_running("kube-scheduler", other_than=one)
        self.kubelet.wait_duty("kube-scheduler")


class BackoffTest(KubeletTest):
    def cycle(self, one):
        """Out and in again; what is left of the back-off then, if any is seen before it runs."""
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)
        waiting.until("its end seen", lambda: not self.kubelet.running("kube-scheduler"))
        self.move("/etc/kubernetes/held.yaml", YAML)

        def seen():
            pod = self.kubelet.pod("kube-scheduler")
            return pod and (pod["backoffMs"] or self.kubelet.running("kube-scheduler"))
        left = waiting.until("back-off or a start", seen)
        return left if isinstance(left, int) else 0

    def test_the_first_return_is_free_and_the_next_cost_more_each(self):
        one = self.start(backoff="8s", backoff_max="5m")
        self.assertEqual(self.cycle(one), 0)
        two = self.kubelet.wait_running("kube-scheduler", other_than=one)
        left = self.cycle(two)
        self.assertTrue(0 < left <= 8000, left)
        three = self.kubelet.wait_running("kube-scheduler", other_than=two)
        left = self.cycle(three)
        self.assertTrue(8000 < left <= 16000, left)

    def test_a_program_that_fails_is_restarted_with_pauses(self):
        kubelet = self.new_kubelet({"kube-scheduler.yaml": manifests.scheduler(extra=["--exit-at-once=3"])},
                                   list_every=NEVER, backoff="100ms", backoff_max="400ms")

        def restarts():
            containers = (kubelet.pod("kube-scheduler") or {}).get("containers") or []
            return max((one["restarts"] for one in containers), default=0)
        waiting.until(lambda: f"three restarts\n{kubelet.log()}", lambda: restarts() >= 3)


class ComponentTest(KubeletTest):
    def report(self):
        return json.loads(waiting.until("a report", lambda: self.node.read_or_nothing("/var/lib/rig/report.json")))

    def test_it_looks_like_a_container(self):
        one = self.start(manifests.scheduler(extra=["--report=/var/lib/rig/report.json"]))
        proc = f"/proc/{one['pid']}"
        self.assertIn(f"/kubepods/burstable/pod{one['uid']}/{one['id']}", self.node.read(f"{proc}/cgroup"))
        self.assertRegex(self.node.read(f"{proc}/status"), rf"(?m)^NSpid:\t{one['pid']}\t1$")
        self.assertEqual(self.node.read(f"{proc}/environ").split("\0")[:-1],
                         ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=node1", "HOME=/"])
        report = self.report()
        self.assertEqual((report["pid"], report["uid"], report["cwd"], report["version"]), (1, 0, "/", "v1.34.1"))
        self.assertEqual(report["argv"][0], "kube-scheduler")
        self.assertEqual(self.node.fetch("https://127.0.0.1:10259/livez"), (200, "ok"))
        self.assertEqual(self.node.fetch("http://127.0.0.1:10248/healthz"), (200, "ok"))
        self.assertEqual(self.node.fetch("https://127.0.0.1:10250/pods"), (200, self.node.read("/run/rig-kubelet/pods.json")))

    def test_the_controller_manager_of_kubeadm(self):
        kubelet = self.new_kubelet({"kube-controller-manager.yaml": manifests.controller_manager()})
        kubelet.wait_running("kube-controller-manager")
        kubelet.wait_duty("kube-controller-manager")

    def test_json_with_variables(self):
        self.start(manifests.scheduler_json(extra=["--report=/var/lib/rig/report.json"]))
        report = self.report()
        self.assertIn("--kubeconfig=/etc/kubernetes/scheduler.conf", report["argv"])
        self.assertIn("--say=$(CONFIG) is /etc/kubernetes/scheduler.conf", report["argv"])
        self.assertIn("CONFIG=/etc/kubernetes/scheduler.conf", report["env"])

    def test_a_path_that_only_the_container_has(self):
        self.start(manifests.scheduler_elsewhere(extra=["--report=/var/lib/rig/report.json"]))
        report = self.report()
        self.assertEqual(report["cwd"], "/config")
        self.assertIn("elsewhere", report["read"]["scheduler.conf"])
        self.assertFalse(self.node.exists("/config"))

    def test_two_containers_live_and_end_together(self):
        one = self.start(manifests.scheduler_with_sidecar())
        sidecar = self.kubelet.wait_running("kube-scheduler", "sidecar")
        self.assertNotEqual(one["pid"], sidecar["pid"])
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)
        self.kubelet.wait_gone(sidecar)

    def test_it_may_ignore_being_asked_and_is_killed(self):
        one = self.start(manifests.scheduler(extra=["--ignore-sigterm"], grace=1))
        self.kubelet.wait_duty("kube-scheduler")
        self.move(YAML, "/etc/kubernetes/held.yaml")
        self.kubelet.wait_gone(one)
        self.assertFalse(self.kubelet.duty("kube-scheduler")["released"])

    def test_it_refuses_what_a_component_refuses(self):
        self.start()
        for words, message in ((["--no-such-flag"], "unknown flag: --no-such-flag"),
                               (["--kubeconfig=/no/such/file"], "no such file or directory"),
                               (["--bind-address=127.0.0.1"], "address already in use")):
            result = self.node.run([f"{IMAGES}/kube-scheduler", *words])
            self.assertEqual(result.returncode, 1)
            self.assertIn(message, result.stderr)
