-- Times are milliseconds since 1970 in UTC; ids are UUIDv7.

CREATE TABLE users (
  id            TEXT PRIMARY KEY,
  email         TEXT NOT NULL UNIQUE,
  username      TEXT NOT NULL UNIQUE COLLATE NOCASE,
  password_hash TEXT NOT NULL,
  avatar_url    TEXT,
  bio           TEXT,
  created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- An attempt is not an account: its password counts only once the code mailed for it comes back.
CREATE TABLE sign_up_attempts (
  id            TEXT PRIMARY KEY,
  email         TEXT NOT NULL,
  username      TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  redirect_to   TEXT,
  locale        TEXT NOT NULL,
  expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_up_attempts_by_email ON sign_up_attempts (email);
CREATE INDEX sign_up_attempts_by_expiry ON sign_up_attempts (expires_at);

-- A refresh token is derived from its session's id and generation with a key that is not in here.
CREATE TABLE sessions (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client     TEXT NOT NULL,
  generation INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id, client);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The embedded codes.
CREATE TABLE codes (
  attempt_id   TEXT PRIMARY KEY,
  email        TEXT NOT NULL,
  code_hash    BLOB NOT NULL,
  guesses_left INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_by_email ON codes (email);
CREATE INDEX codes_by_expiry ON codes (expires_at);

-- The embedded limits: the moments a key was counted, as a JSON array.
CREATE TABLE limits (
  name       TEXT NOT NULL,
  key        TEXT NOT NULL,
  hits       TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_by_expiry ON limits (expires_at);

-- Mails on their way; sealed, since they hold codes. A mail that is out has no row.
CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  sealed     BLOB NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0,
  due_at     INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at);
