"""`python -m coursekit` is the command `coursekit`."""

from coursekit.cli import main

if __name__ == "__main__":  # grading's worker processes read this file, too
    main()
