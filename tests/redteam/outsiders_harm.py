"""Nuisances by someone who has read the documentation and no code: they hang, flood, die and linger.

See `outsiders` for how an attack is written.
"""

# ruff: noqa: F821, F841, SIM105


def never_ends():
    while True:
        pass


def ignores_being_interrupted():
    while True:
        try:
            while True:
                print("not yet " * 100)
        except BaseException:
            pass


def sleeps_for_ever():
    import time

    time.sleep(10**6)


def waits_for_input():
    input("the grader's password: ")
    import getpass

    getpass.getpass()


def exits_politely():
    import sys

    def answer(*given):
        sys.exit(0)

    sys.exit(0)


def ends_its_process():
    import os

    os._exit(0)


def shuts_the_kernel_down():
    get_ipython().kernel.do_shutdown(False)
    get_ipython().ask_exit()
    get_ipython().kernel.io_loop.stop()


def crashes():
    import ctypes

    ctypes.string_at(0)


def stops_itself():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)


def multiplies():
    import os

    while True:
        try:
            os.fork()
        except OSError:
            pass


def starts_threads_without_end():
    import threading
    import time

    while True:
        threading.Thread(target=time.sleep, args=(1000,)).start()


def hoards_memory():
    import numpy as np

    kept = []
    while True:
        kept.append(np.ones(1 << 24))


def hoards_memory_in_many_processes():
    import os
    import time

    for _ in range(12):
        if os.fork() == 0:
            kept = bytearray(300 << 20)
            time.sleep(60)
    time.sleep(60)


def fills_the_disk():
    number = 0
    while True:
        with open(f"/scratch/{number}", "wb") as file:
            file.write(bytes(1 << 20))
        number += 1


def makes_files_without_end():
    import os

    number = 0
    while True:
        os.symlink("x" * 90, f"/scratch/{number}")
        number += 1


def prints_without_end():
    while True:
        print("<b>" * 1000)


def displays_without_end():
    from IPython.display import HTML, display

    while True:
        display(HTML("<script>alert(1)</script>"))


def shows_something_huge():
    from IPython.display import HTML, display

    display(HTML("x" * (200 << 20)))


def recurses_too_deep():
    import sys

    sys.setrecursionlimit(10**9)

    def dig(depth):
        return dig(depth + 1)

    dig(0)


def computes_something_endless():
    9**9**9 % 7


def returns_something_huge():
    def answer(*given, **named):
        import numpy as np

        return np.zeros(10**7)

    mean_of = answer


def lingers_after_the_end():
    import os
    import signal
    import time

    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    time.sleep(1)
            os._exit(0)


def hangs_at_the_end():
    import atexit
    import threading
    import time

    atexit.register(time.sleep, 1000)
    threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()

    class Undead:
        def __del__(self):
            time.sleep(1000)

    undead = Undead()


NUISANCES = (
    never_ends,
    ignores_being_interrupted,
    sleeps_for_ever,
    waits_for_input,
    exits_politely,
    ends_its_process,
    shuts_the_kernel_down,
    crashes,
    stops_itself,
    multiplies,
    starts_threads_without_end,
    hoards_memory,
    hoards_memory_in_many_processes,
    fills_the_disk,
    makes_files_without_end,
    prints_without_end,
    displays_without_end,
    shows_something_huge,
    recurses_too_deep,
    computes_something_endless,
    returns_something_huge,
    lingers_after_the_end,
    hangs_at_the_end,
)
