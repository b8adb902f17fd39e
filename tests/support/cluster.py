# SPDX-License-Identifier: BSD-3-Clause
"""Clusters of subcollectors for tests of fdistdump-ha: nodes with flow files of their own and mirrors
of each other, the same questions asked of all files at once, processes that must be gone afterwards."""

import glob
import os
import shutil
import subprocess
import uuid

import chain as sc

FILES, FLOWS = 6, 3000
QUESTIONS = [
    ["-s", "srcip#bytes"],
    ["-a", "srcip/16,proto", "-o", "flows", "-l", "0", "--output-fields=flows,packets,bytes"],
    ["-a", "dstport", "-o", "bytes#asc", "-l", "50"],
    ["-o", "bytes", "-l", "100", "--output-fields=first,srcip,dstip,srcport,dstport,bytes,packets"],
    ["--output-items=p"],
    ["-f", "proto tcp and dst port 443", "-a", "proto", "--output-fields=flows,bytes"],
]
CSV = ["--output-format=csv", "--progress-bar-type=none"]


def status_xml(nodes):
    """What `crm_mon --output-as=xml` prints; nodes: name -> (id, is online)."""
    rows = "".join(
        f'    <node name="{name}" id="{number}" online="{str(online).lower()}" standby="false" '
        f'standby_onfail="false" maintenance="false" pending="false" unclean="false" health="green" '
        f'feature_set="3.17.4" shutdown="false" expected_up="true" is_dc="false" resources_running="1" '
        f'type="member"/>\n' for name, (number, online) in nodes.items())
    return ('<pacemaker-result api-version="2.25" request="crm_mon --one-shot --output-as=xml">\n'
            '  <summary>\n    <stack type="corosync" pacemakerd-state="running"/>\n'
            f'    <nodes_configured number="{len(nodes)}"/>\n  </summary>\n'
            f'  <nodes>\n{rows}  </nodes>\n  <status code="0" message="OK"/>\n</pacemaker-result>\n')


class Cluster:
    """Three subcollectors n1 -> n2 -> n3 -> n1 and a proxy p, in a folder."""

    ids = {"n1": 11, "n2": 12, "n3": 13, "p": 5}
    successor = {"n1": "n2", "n2": "n3", "n3": "n1"}

    def __init__(self, work, flows=FLOWS):
        self.work = work
        self.mark = f"SC_TEST_JOB={uuid.uuid4()}"
        self.temporary = os.path.join(work, "tmp")
        all_files = os.path.join(work, "all")
        os.makedirs(self.temporary)
        os.makedirs(all_files)
        subprocess.run([sc.program("make_flow_files"), all_files, str(flows), "lz4", str(FILES)],
                       check=True, stdout=subprocess.DEVNULL, env=sc.environment())
        for i, path in enumerate(sc.flow_files(all_files)):
            node = f"n{i % 3 + 1}"
            relative = os.path.relpath(path, all_files)
            for folder in (self.original(node), self.mirror(self.successor[node])):
                target = os.path.join(folder, "live", relative)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(path, target)

    def original(self, node):
        return os.path.join(self.work, node, "original")

    def mirror(self, node):
        return os.path.join(self.work, node, "mirror")

    def write_file(self, probe, probe_timeout=20):
        """Writes the cluster file and returns its path."""
        path = os.path.join(self.work, "cluster.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"original-path {self.work}/%h/original\nmirror-path {self.work}/%h/mirror\n"
                    f"probe {probe}\nprobe-timeout {probe_timeout}\n"
                    f"node p id={self.ids['p']} role=proxy\n")
            for node, successor in self.successor.items():
                f.write(f"node {node} id={self.ids[node]} role=subcollector "
                        f"successor={self.ids[successor]}\n")
        return path

    def answer(self, question, nodes=("n1", "n2", "n3")):
        """What fdistdump alone says of the original files of nodes."""
        out, _, _ = sc.fdistdump([*CSV, *question, *(self.original(n) for n in nodes)])
        return out

    def environment(self, extra=None):
        """Marks all processes; what Open MPI leaves in its folders when it is killed goes with the test."""
        name, value = self.mark.split("=")
        return sc.environment({name: value, "TMPDIR": self.temporary, **(extra or {})})

    def processes(self):
        """Processes of this test that still run, wherever they were started."""
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as f:
                    if self.mark.encode() in f.read().split(b"\0"):
                        found.append(int(path.split("/")[2]))
            except OSError:
                continue
        return found


def question_rows(text):
    """The rows of an answer without those figures of time that differ from run to run."""
    lines = text.splitlines()
    if lines and lines[0].startswith("flows,packets,bytes,seconds"):
        return [",".join(line.split(",")[:3]) for line in lines]
    return lines
