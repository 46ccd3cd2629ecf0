CREATE TABLE chats (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_by_user ON chats (user_id, updated_at);

CREATE TABLE runs (
  chat_id    TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  id         TEXT NOT NULL,
  -- running, finished, failed
  status     TEXT NOT NULL,
  -- Why it failed: a code of errors.ts.
  error_code TEXT,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  PRIMARY KEY (chat_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_running ON runs (chat_id) WHERE status = 'running';

-- content is the AI SDK's ModelMessage as JSON; bytes is its size, so that trimming reads no more than it needs.
CREATE TABLE messages (
  chat_id    TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,
  id         TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  content    TEXT NOT NULL,
  PRIMARY KEY (chat_id, position)
) STRICT, WITHOUT ROWID;
