"""`python -m inkseed` is `inkseed`, so that launchers such as torchrun can start it."""

from inkseed.cli import main

if __name__ == "__main__":
    main()
