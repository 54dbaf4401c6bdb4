"""What hostile code inside a sandbox cannot do. Each test ends with a look for leftovers."""

from __future__ import annotations

import io
import struct
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.base import ExecResult, Limits, ToolFault
from tests.conftest import DOCKER, LOCAL

if TYPE_CHECKING:
    from runner.sandbox.base import Sandbox

OUTPUT = 64 << 10


async def shell(box: Sandbox, script: str, timeout_s: float = 30) -> ExecResult:
    return await box.run(["bash", "-c", script], timeout_s=timeout_s)


async def python(box: Sandbox, program: str, timeout_s: float = 30) -> ExecResult:
    await box.write("hostile.py", program.encode())
    return await box.run(["python3", "hostile.py"], timeout_s=timeout_s)


async def assert_sound(box: Sandbox) -> None:
    """Nothing but the toolbox, its worker and this very command runs, and calls are answered."""
    await box.write("sound", b"yes")
    assert await box.read("sound") == b"yes"
    left = await box.run(["sh", "-c", 'echo /proc/[0-9]*; cat "/proc/1/comm"'], timeout_s=10)
    assert left.exit_code == 0
    assert left.stdout.split()[0] == b"/proc/1"
    assert len(left.stdout.split()) == 3, left.stdout


async def test_a_call_returns_at_the_exit_of_its_process_and_ends_the_rest(box: Sandbox) -> None:
    result = await shell(box, "sleep 600 & (setsid sleep 600 &) & echo hi; exit 3")
    assert (result.exit_code, result.stdout, result.timed_out) == (3, b"hi\n", False)
    assert result.seconds < 30
    await assert_sound(box)


async def test_a_double_forked_daemon_that_ignores_signals_dies_with_its_call(box: Sandbox) -> None:
    program = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            open("/tmp/beat", "a").write("x")
            time.sleep(0.01)
    os._exit(0)
os.wait()
"""
    assert (await python(box, program)).exit_code == 0
    await assert_sound(box)
    sizes = await shell(box, "stat -c %s /tmp/beat 2>&1; sleep 0.3; stat -c %s /tmp/beat 2>&1")
    first, second = sizes.stdout.splitlines()
    assert first == second


async def test_a_command_that_ignores_sigterm_ends_at_its_deadline(box: Sandbox) -> None:
    result = await shell(box, "trap '' TERM INT HUP; echo began; while :; do sleep 1; done", 1)
    assert (result.exit_code, result.timed_out) == (None, True)
    assert result.stdout == b"began\n"
    await assert_sound(box)


async def test_a_signal_is_told_from_an_exit_code(box: Sandbox) -> None:
    assert (await shell(box, "kill -TERM $$")).exit_code == -15
    assert (await shell(box, "exit 143")).exit_code == 143


async def test_a_fork_bomb_is_contained(box: Sandbox) -> None:
    result = await shell(box, "bomb() { bomb | bomb & }; bomb; sleep 600", 3)
    assert result.timed_out
    await assert_sound(box)


async def test_zombies_and_orphans_do_not_pile_up_during_a_call(box: Sandbox) -> None:
    program = """
import os, time
for _ in range(500):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
    time.sleep(0.001)
time.sleep(0.2)
print(len([name for name in os.listdir("/proc") if name.isdigit()]))
"""
    result = await python(box, program)
    assert result.stdout == b"2\n", result
    await assert_sound(box)


async def test_endless_output_is_cut_to_its_head_and_tail(box: Sandbox) -> None:
    script = "echo first; head -c 10G /dev/zero; echo; echo last; echo oops >&2"
    result = await shell(box, script, 120)
    assert result.exit_code == 0
    assert result.stdout.startswith(b"first\n")
    assert result.stdout.endswith(b"\nlast\n")
    assert result.stderr == b"oops\n"
    assert result.cut_bytes == (10 << 30) + 12 - OUTPUT
    assert b"\n[... %d bytes cut ...]\n" % result.cut_bytes in result.stdout
    assert len(result.stdout) < OUTPUT + 100


async def test_merged_output_keeps_its_order(box: Sandbox) -> None:
    script = "echo 1; echo 2 >&2; echo 3"
    result = await box.run(["bash", "-c", script], timeout_s=10, merge=True)
    assert (result.stdout, result.stderr) == (b"1\n2\n3\n", b"")


async def test_output_that_looks_like_frames_or_is_binary_is_only_output(box: Sandbox) -> None:
    frame = struct.pack(">II", 12, 4) + b'{"exit": 77}evil'
    mixed = b"\x01\0\0\0\0\0\0\x04evil" + frame + bytes(range(256))
    await box.write("frames", mixed * 50)
    result = await shell(box, "cat frames; cat frames >&2")
    assert (result.exit_code, result.stdout, result.stderr) == (0, mixed * 50, mixed * 50)


@pytest.mark.parametrize("place", ["/ws/app", "/tmp", "/dev/shm"])  # noqa: S108  (inside)
async def test_a_full_disk_hurts_only_who_filled_it(box: Sandbox, place: str) -> None:
    result = await shell(box, f"head -c 900M /dev/zero > {place}/big; echo $?")
    assert b"No space left on device" in result.stderr
    with_full = await shell(box, "echo works")
    assert with_full.stdout == b"works\n"
    if place == "/ws/app":
        with pytest.raises(ToolFault) as caught:
            await box.write("more", b"x" * (1 << 20))
        assert caught.value.code == "disk_full"
    await shell(box, f"rm {place}/big")
    await assert_sound(box)


async def test_memory_is_limited_and_the_toolbox_survives(box: Sandbox) -> None:
    program = "data = []\nwhile True:\n    data.append(bytearray(b'x' * (16 << 20)))\n"
    result = await python(box, program, 120)
    assert result.exit_code in (-9, 1), result
    await assert_sound(box)


async def test_no_network_is_reachable_by_name_or_address(box: Sandbox) -> None:
    program = """
import socket
for host in ("1.1.1.1", "169.254.169.254", "172.17.0.1", "10.0.0.1", "example.com", "github.com"):
    try:
        socket.create_connection((host, 80), timeout=3)
        print("REACHED", host)
    except OSError as error:
        print(type(error).__name__)
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(("localhost", server.getsockname()[1]), timeout=3)
print("loopback works")
print(*[name for _, name in socket.if_nameindex()])
"""
    result = await python(box, program)
    assert b"REACHED" not in result.stdout
    assert b"loopback works" in result.stdout, result
    interfaces = result.stdout.splitlines()[-1].split()
    assert b"lo" in interfaces
    assert not [name for name in interfaces if name.startswith((b"eth", b"en", b"docker"))]


async def test_nothing_but_the_workspace_and_tmp_can_be_written(box: Sandbox) -> None:
    script = """
for path in / /usr /usr/bin /etc /etc/passwd /opt /opt/testbed /opt/testbed/toolbox.py \
    /opt/node /ws /ws/node_modules /proc/sys/kernel/printk_ratelimit /proc/sysrq-trigger \
    /dev /home /root /var /sys/fs/cgroup /sys/fs/cgroup/pids/pids.max /lib /bin; do
  if [ -d "$path" ]; then touch "$path/x" 2>/dev/null && echo "WROTE $path"; fi
  if [ -f "$path" ]; then (: >> "$path") 2>/dev/null && echo "OPENED $path"; fi
done
mount -t tmpfs none /mnt 2>/dev/null && echo MOUNTED
unshare -Ur true 2>/dev/null && echo USERNS
mknod /tmp/disk b 8 0 2>/dev/null && echo MKNOD
chown 0 /tmp 2>/dev/null && echo CHOWN
id -u; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status
"""
    result = await shell(box, script)
    assert result.stdout.decode().split() == [
        *["1000", "CapEff:", "0000000000000000", "CapBnd:", "0000000000000000"],
        *["NoNewPrivs:", "1"],
    ]


async def test_secrets_of_the_host_are_not_there(box: Sandbox) -> None:
    result = await shell(box, "env; cat /proc/*/environ; ls -A /root /home /work 2>&1; id -un")
    assert b"API_KEY" not in result.stdout
    names = {line.partition(b"=")[0] for line in result.stdout.splitlines() if b"=" in line}
    allowed = b"PATH HOME LANG USER SHELL TERM PWD SHLVL _ OLDPWD".split()
    assert names <= set(allowed), names
    assert (await shell(box, "cat /etc/shadow")).exit_code != 0


async def test_the_toolbox_cannot_be_read_traced_or_killed(box: Sandbox) -> None:
    script = """
for file in environ mem maps fd/0 fd/1 stack; do
  head -c 1 /proc/1/$file >/dev/null 2>&1 && echo "READ $file"
  (echo x > /proc/1/$file) 2>/dev/null && echo "WROTE $file"
done
ls /proc/1/fd >/dev/null 2>&1 && echo LISTED
for signal in KILL TERM INT HUP QUIT STOP SEGV USR1 CHLD ALRM PIPE; do kill -$signal 1; done
echo survived
"""
    assert (await shell(box, script)).stdout == b"survived\n"
    program = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, 1, 0, 0), ctypes.get_errno())
"""
    traced = await python(box, program)
    assert traced.stdout == b"-1 1\n", traced
    assert (await shell(box, "kill -9 -1; echo here")).exit_code in (0, -9)
    await assert_sound(box)


async def test_a_link_swapped_in_during_a_call_leads_nowhere(box: Sandbox) -> None:
    program = """
import os
os.makedirs("real", exist_ok=True)
open("real/passwd", "w").write("inside")
for _ in range(20000):
    os.rename("real", "kept"); os.symlink("/etc", "real")
    os.unlink("real"); os.rename("kept", "real")
os.rename("real", "kept"); os.symlink("/etc", "real")
"""
    assert (await python(box, program)).exit_code == 0
    with pytest.raises(ToolFault) as caught:
        await box.read("real/passwd")
    assert caught.value.code == "is_link"


async def test_a_catastrophic_pattern_ends(box: Sandbox) -> None:
    await box.write("a.txt", b"a" * 60 + b"!\n")
    with pytest.raises(ToolFault) as caught:
        await box.search("(a+)+$")
    assert caught.value.code == "bad_pattern"
    await assert_sound(box)


async def test_deep_folders_and_odd_names_do_no_harm(box: Sandbox) -> None:
    program = """
import os
open("new\\nline", "w").write("needle")
open(b"not-utf8-\\xff", "w").write("needle")
open("-rf", "w").write("needle")
os.mkfifo("fifo")
os.chmod("-rf", 0)
os.mkdir("shut"); open("shut/in", "w").write("needle"); os.chmod("shut", 0)
"""
    assert (await python(box, program)).exit_code == 0
    names = [entry.path for entry in await box.entries()]
    assert "new\nline" in names
    assert "not-utf8-?" in names
    assert {m.path for m in await box.search("needle")} >= {"new\nline", "not-utf8-?"}
    with tarfile.open(fileobj=io.BytesIO(await box.pack())) as tar:
        assert {"new\nline", "not-utf8-\udcff", "-rf", "shut/in"} < set(tar.getnames())
        assert "fifo" not in tar.getnames()
    with pytest.raises(ToolFault) as caught:
        await box.read("fifo")
    assert caught.value.code == "not_a_file"
    deep = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\n"
    assert (await python(box, deep)).exit_code == 0
    assert len(await box.entries(depth=10_000)) <= 500
    assert await box.search("needle", path="d") == []
    with pytest.raises(ToolFault) as caught:
        await box.pack()
    assert caught.value.code == "too_large"
    await assert_sound(box)


async def test_a_pack_refuses_huge_files_without_reading_them(box: Sandbox) -> None:
    assert (await shell(box, "truncate -s 10T huge")).exit_code == 0
    with pytest.raises(ToolFault) as caught:
        await box.pack()
    assert caught.value.code == "too_large"
    with pytest.raises(ToolFault) as caught:
        await box.read("huge")
    assert caught.value.code == "too_large"
    assert await box.search("x") == []
    await assert_sound(box)


async def test_many_files_are_listed_searched_and_packed_within_limits(box: Sandbox) -> None:
    program = "for i in range(20000):\n    open(f'f{i}', 'w').write('x')\n"
    assert (await python(box, program)).exit_code == 0
    assert len(await box.entries(limit=500)) == 500
    assert len(await box.search("x", limit=100)) == 100
    assert len(await box.pack()) > 20000 * 512


async def test_arguments_and_environments_reach_the_command_unchanged(box: Sandbox) -> None:
    argv = ["printf", "%s|", "a b", "", "$HOME", "ü", "new\nline"]
    assert (await box.run(argv, timeout_s=10)).stdout == "a b||$HOME|ü|new\nline|".encode()
    result = await box.run(["printenv", "COLOUR"], timeout_s=10, env={"COLOUR": "blue"})
    assert result.stdout == b"blue\n"
    with pytest.raises(ToolFault) as caught:
        await box.run(["printf", "\ud800"], timeout_s=10)
    assert caught.value.code == "bad_argument"
    with pytest.raises(ToolFault) as caught:
        await box.run(["printf", "a\0b"], timeout_s=10)
    assert caught.value.code == "bad_argument"
    await assert_sound(box)


async def test_node_and_npm_are_there(box: Sandbox) -> None:
    result = await shell(box, "node -p 'process.versions.node' && npm --version && npx --version")
    assert result.exit_code == 0, result
    assert result.stdout.startswith(b"24.")


def test_limits_leave_room_for_a_build() -> None:
    assert Limits().memory_bytes >= 768 << 20
    assert Limits().pids >= 64


@pytest.mark.parametrize("barred", [DOCKER, LOCAL], indirect=True)
async def test_nothing_inside_can_fill_move_or_remove_a_folder_that_stays_empty(
    barred: Sandbox,
) -> None:
    script = (
        "mkdir node_modules/a; mv node_modules elsewhere; rmdir node_modules;"
        " umount node_modules; mount -o remount,rw node_modules; chmod 777 node_modules;"
        " mv -T /tmp node_modules; ln -sfn /tmp node_modules; stat -c %F node_modules; ls -A"
    )
    assert (await shell(barred, script)).stdout == b"directory\nnode_modules\n"
