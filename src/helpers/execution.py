"""Execute notebooks by papermill: each in a process, a kernel and a place of its own."""

import ast
import logging
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from helpers import kernels, paths, zygote

CELL_SECONDS = 600
OUTPUT_BYTES = 30_000_000
STARTS, START_SECONDS = 3, 30


@dataclass(frozen=True)
class Job:
    """One notebook to be executed; holds all that another process needs to know.

    Parameters
    ----------
    source : Path
        File of the notebook.
    as_of : str
        Edition, an ISO date.
    place : Path
        Folder of the edition; the notebook writes to the one in it that has its name.
    parameters : dict
        To set; empty leaves the defaults.
    seconds : int
        Longest time that a cell may take.
    kernels : {"warm", "plain"}
        Kind of kernel.
    pictures : bool
        Whether to draw the figures; their points, titles and words are there in either case.
    """

    source: Path
    as_of: str
    place: Path
    parameters: dict = field(default_factory=dict)
    seconds: int = CELL_SECONDS
    kernels: str = kernels.PLAIN
    pictures: bool = True

    @property
    def notebook(self) -> str:
        """Name of the notebook."""
        return self.source.stem

    @property
    def target(self) -> Path:
        """File of the executed notebook."""
        return self.place / self.notebook / "notebook.ipynb"

    @property
    def name(self) -> str:
        """Notebook and edition, to print."""
        return f"{self.notebook} as of {self.as_of}"


@dataclass(frozen=True, order=True)
class Fault:
    """What went wrong with one part of a build: a notebook of an edition, an edition's pages, the docs.

    Parameters
    ----------
    part : str
        The part, to print, such as ``01_returns as of 2025-02-14``.
    message : str
        In one line.
    as_of : str
        Edition to which the part belongs; empty for none.
    notebook : str
        Name of the notebook; empty for another part.
    """

    part: str
    message: str
    as_of: str = ""
    notebook: str = ""

    def __str__(self):
        return f"{self.part}: {self.message}"


def execute(job: Job) -> str | None:
    """Execute a job in this process.

    Returns
    -------
    str or None
        What went wrong, in one line, or None. The executed notebook lies in the job's place in either case.
    """
    # asked for before papermill makes a thread or a socket
    waiting = zygote.WaitingKernel() if job.kernels == kernels.WARM else None
    try:
        fault, answered = _executed(job, waiting)
    finally:
        if waiting:
            waiting.kill()
            waiting.wait()
    for _ in range(STARTS - 1):
        if answered:
            break
        # another program may take a kernel's port before it does; it ran nothing, and this process may fork no more
        fault, answered = _executed(job, None)
    return fault


def _executed(job, waiting):
    """Execute a job once: what went wrong or None, and whether the kernel answered at all."""
    import nbclient.exceptions
    import papermill

    variables = {paths.PLACE_VARIABLE: str(job.place), paths.PICTURES_VARIABLE: str(int(job.pictures))}
    papermill.engines.papermill_engines.register("kept", _engine())
    # what it has to say is told below, in one line
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    fault, answered, executed = None, True, None
    try:
        executed = papermill.execute_notebook(
            # papermill fills in names between braces
            *(str(file).replace("{", "{{").replace("}", "}}") for file in (job.source, job.target)),
            parameters=job.parameters,
            engine_name="kept",
            kernel_name="python3",
            language="python",
            fallen=job.target,
            kernel_manager_class=kernels.manager(job.place, variables, waiting),
            progress_bar=False,
            request_save_on_cell_execute=False,
            shutdown_kernel="immediate",
            cwd=job.source.parent,
            start_timeout=START_SECONDS,
            execution_timeout=job.seconds,
            extra_arguments=[*kernels.ARGUMENTS],
        )
    except papermill.PapermillExecutionError as error:
        fault = _raised(error.ename, error.evalue)
    except nbclient.exceptions.CellTimeoutError:
        fault = f"was stopped after {job.seconds} seconds"
    except nbclient.exceptions.DeadKernelError:
        fault = "the kernel died; is there enough memory?"
    except kernels.NoReplyError as error:
        fault, answered = first_line(error), False
    except Exception as error:
        fault = f"{type(error).__name__}: {first_line(error)}"
    try:
        executed = executed or nbformat.read(job.target, as_version=4)
    except (OSError, ValueError):
        # a full disk leaves nothing, or half of it
        return fault or "the executed notebook cannot be read", answered
    if fault and answered:
        begun = [cell for cell in _code_cells(executed) if cell.metadata.get("papermill", {}).get("start_time")]
        fault = f"cell {len(begun)}: {fault}"
    nbformat.write(cleaned(executed), job.target)
    return fault or trouble(executed), answered


def _engine():
    """Make papermill's engine, but one that writes the notebook once: at its end, be it a dead kernel's."""
    from papermill import engines, iorw

    class KeptEngine(engines.NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, fallen, **options):
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **options)
            except BaseException:
                iorw.write_ipynb(nb_man.nb, str(fallen))
                raise

    return KeptEngine


def cleaned(notebook):
    """Take out of an executed notebook what differs from run to run: times, papermill's notes, generated ids."""
    notebook.metadata = nbformat.NotebookNode(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        }
    )
    for place, cell in enumerate(notebook.cells):
        if "outputs" in cell:
            cell.outputs = _joined(cell.outputs)
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("papermill-error")]
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})
        if "injected-parameters" in tags:
            cell.id = f"injected-{place}"
    return notebook


def _joined(outputs):
    """Join what was written to one stream in a row: a busy machine cuts it where it likes."""
    joined = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def trouble(notebook) -> str | None:
    """Tell what is wrong with an executed notebook that raised nothing: an output that nobody answers for is a failure.

    Returns
    -------
    str or None
        The first cell that left early, was not run, wrote to stderr or far too much, or is more than Python, or None.
    """
    for number, cell in enumerate(_code_cells(notebook), 1):
        for output in cell.outputs:
            # papermill lets sys.exit(0) pass
            if output.output_type == "error":
                return f"cell {number}: {_raised(output.ename, output.evalue)}"
            if output.get("name") == "stderr":
                return f"cell {number} wrote to stderr: {first_line(output.text.strip() or 'a blank line')}"
        size = sum(map(_size, cell.outputs))
        if size > OUTPUT_BYTES:
            return f"cell {number} put out {size / 1e6:.0f} MB; the limit is {OUTPUT_BYTES / 1e6:.0f} MB"
        if cell.execution_count is None:
            return f"cell {number} was not run"
        try:
            ast.parse(cell.source)
        except SyntaxError:
            return f"cell {number} is not plain Python: a shell escape that fails would pass unseen"
    return None


def _size(output):
    """Characters of what an output shows."""
    return len(str(output.get("text", ""))) + sum(len(str(shown)) for shown in output.get("data", {}).values())


def _code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def _raised(kind, words):
    return f"{kind}: {first_line(words)}" if words.strip() else kind


def first_line(error) -> str:
    """First line of what an error says, or its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
