"""The tables of the history, as a list of migrations: the database's `user_version` counts those that it has been through.

`entries` is narrow, so that 50,000 of them are searched in some ten milliseconds; what only a shown entry needs lies in `details`.
"""

from __future__ import annotations

Migration = tuple[str, ...]

MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE entries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL,
            created_s REAL NOT NULL,
            owner TEXT NOT NULL,
            mode TEXT NOT NULL,
            model TEXT NOT NULL,
            seed INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            result TEXT NOT NULL,
            changed_outside INTEGER,
            words TEXT NOT NULL
        )""",
        "CREATE INDEX entries_by_job ON entries (job_id)",
        "CREATE INDEX entries_by_time ON entries (created_s)",
        "CREATE INDEX entries_by_model ON entries (model)",
        "CREATE INDEX entries_by_owner ON entries (owner)",
        "CREATE INDEX entries_by_mode ON entries (mode)",
        """CREATE TABLE details (
            id INTEGER PRIMARY KEY REFERENCES entries ON DELETE CASCADE,
            prompt TEXT NOT NULL,
            negative_prompt TEXT NOT NULL,
            infotext TEXT NOT NULL,
            recipe TEXT NOT NULL,
            saved_path TEXT
        )""",
        """CREATE TABLE uses (
            asset TEXT NOT NULL,
            entry INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
            PRIMARY KEY (asset, entry)
        ) WITHOUT ROWID""",
        "CREATE INDEX uses_by_entry ON uses (entry)",
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            user TEXT,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            created_s REAL NOT NULL,
            started_s REAL,
            finished_s REAL,
            attempts INTEGER NOT NULL DEFAULT 0,
            recipe TEXT,
            notes TEXT NOT NULL DEFAULT '[]',
            error TEXT
        )""",
        "CREATE INDEX jobs_by_state ON jobs (state, created_s)",
    ),
    (
        "ALTER TABLE jobs ADD COLUMN after_entry INTEGER NOT NULL DEFAULT 0",  # its own entries have larger ids, whatever the clock says
        """UPDATE jobs SET after_entry = coalesce(
            (SELECT max(id) FROM entries WHERE entries.job_id = jobs.id AND entries.created_s < jobs.created_s), 0
        )""",
    ),
)
