"""Where the embedded start keeps things."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


@dataclass(frozen=True)
class Layout:
    """Files and folders of one embedded start, all under the folder *data*."""

    data: Path

    @property
    def lock(self) -> Path:
        """Held by whoever runs the servers of this folder."""
        return self.data / "server.lock"

    @property
    def running(self) -> Path:
        """Address and environment of the running start (mode 0600); absent when none runs."""
        return self.data / "running.json"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets.json"

    @property
    def ports(self) -> Path:
        return self.data / "ports.json"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    @property
    def beat(self) -> Path:
        return self.data / "beat"

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def mail(self) -> Path:
        return self.data / "mail"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def make(self) -> None:
        """Create the folders. *data* may be entered but not listed by others: the account that runs
        PostgreSQL for root must reach its own folder; everything inside is closed by itself."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o711)
        for folder in (self.logs, self.beat, self.media, self.mail):
            folder.mkdir(mode=0o700, exist_ok=True)


EMBEDDED = Layout(ROOT / ".data")
