"""`kmlp completion`: what a shell needs to complete commands and options."""

from typing import Annotated, Literal

from cyclopts import Parameter

from kmlp.cli.app import app


@app.command
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"],
        Parameter(help="which shell the script is for"),
    ] = "bash",
    /,
) -> None:
    """Print a script that makes a shell complete kmlp's commands and options.

    Nothing is written: put it where the shell looks, or run it at the shell's start.

    For example:

        eval "$(kmlp completion bash)"

        kmlp completion bash > ~/.local/share/bash-completion/completions/kmlp

        kmlp completion zsh > ~/.zfunc/_kmlp

        kmlp completion fish > ~/.config/fish/completions/kmlp.fish
    """
    print(app.generate_completion(shell=shell))
