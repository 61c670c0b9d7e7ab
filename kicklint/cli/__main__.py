"""``python -m kicklint.cli``: the command line where the console script is not on PATH."""

from kicklint.cli.app import main

if __name__ == "__main__":
    main(prog_name="kicklint")
