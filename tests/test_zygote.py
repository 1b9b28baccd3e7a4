import pytest

BEGUN = "import os, signal, time\nfrom helpers import zygote\n"
SCRIPTS = {
    "what is never told ends with whoever waits": (
        "waiting, other = zygote.WaitingKernel(), zygote.WaitingKernel()\nother.kill()\n"
        "print(other.wait(), waiting.poll(), waiting.pid != other.pid)\n",
        "0 None True\n",
    ),
    "what is ended is reaped, and signals to it do no harm": (
        "one = zygote.WaitingKernel()\none.terminate()\none.wait()\none.kill()\none.send_signal(0)\n"
        "time.sleep(0.3)\nprint(os.path.exists(f'/proc/{one.pid}'), one.poll())\n",
        "False 0\n",
    ),
    "one that was killed is replaced": (
        "first = zygote.WaitingKernel()\nos.kill(zygote._child[1], signal.SIGKILL)\n"
        "print(first.wait(), zygote.WaitingKernel().poll())\n",
        "0 None\n",
    ),
    "a kernel ends with a process that asked and is gone": (
        "zygote.begin()\nread, write = os.pipe()\nif os.fork() == 0:\n"
        "    os.write(write, str(zygote.WaitingKernel().pid).encode())\n    os._exit(0)\n"
        "os.wait()\nplace = f'/proc/{int(os.read(read, 20))}'\n"
        "for _ in range(50):\n    time.sleep(0.1 * os.path.exists(place))\n"
        "print(os.path.exists(place), zygote.WaitingKernel().poll())\n",
        "False None\n",
    ),
    "ended, it takes its kernels along and another may begin": (
        "one = zygote.WaitingKernel()\nzygote.end()\nzygote.end()\nprint(one.wait(), zygote._control)\n"
        "print(zygote.WaitingKernel().poll())\n",
        "0 None\nNone\n",
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_zygote_forks_kernels_and_leaves_none(copy, name):
    script, said = SCRIPTS[name]
    file = copy.root / "script.py"
    file.write_text(BEGUN + script, encoding="utf-8")
    # the server's check: no process is left
    assert copy.run(kernels=None, command=[file]) == (0, said)
