"""The Amazon States Language, pure: text and dicts in, diagnostics and closures out.

Nothing here does I/O, sleeps, draws random numbers or reads a clock; ``now``, random draws and ids come in as
arguments.
"""
