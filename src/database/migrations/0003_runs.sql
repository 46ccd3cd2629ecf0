-- Messages are a tree: what was regenerated or edited stays beside what came instead. head_id is the end of the
-- path that the model sees.
ALTER TABLE chats ADD COLUMN title TEXT;
ALTER TABLE chats ADD COLUMN head_id TEXT;
ALTER TABLE messages ADD COLUMN parent_id TEXT;
UPDATE messages SET parent_id = (
  SELECT id FROM messages AS before
  WHERE before.chat_id = messages.chat_id AND before.position = messages.position - 1
);
UPDATE chats SET head_id = (SELECT id FROM messages WHERE chat_id = chats.id ORDER BY position DESC LIMIT 1);
CREATE UNIQUE INDEX messages_by_id ON messages (chat_id, id);
CREATE INDEX messages_by_parent ON messages (chat_id, parent_id);

-- status: queued, running, waiting, finished, failed, cancelled. message_id is the message it answers, answer_id
-- the first of its answer; pending, as JSON, what a queued run is asked or what a waiting one needs to go on.
ALTER TABLE runs ADD COLUMN message_id TEXT;
UPDATE runs SET message_id = (
  SELECT id FROM messages WHERE chat_id = runs.chat_id AND run_id = runs.id ORDER BY position LIMIT 1
);
ALTER TABLE runs ADD COLUMN answer_id TEXT;
ALTER TABLE runs ADD COLUMN model TEXT;
ALTER TABLE runs ADD COLUMN pending TEXT;
ALTER TABLE runs ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cached_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;
DROP INDEX runs_running;
CREATE INDEX runs_open ON runs (chat_id) WHERE status IN ('queued', 'running', 'waiting');

-- All events of a run that has ended or waits, as JSON.
CREATE TABLE transcripts (
  chat_id TEXT NOT NULL,
  run_id  TEXT NOT NULL,
  events  TEXT NOT NULL,
  PRIMARY KEY (chat_id, run_id),
  FOREIGN KEY (chat_id, run_id) REFERENCES runs (chat_id, id) ON DELETE CASCADE
) STRICT;

-- What runs are saying, in the order they say it. It is of use only where a crash comes before their end.
CREATE TABLE run_record (
  place  INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  events TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
  user_id     TEXT NOT NULL,
  key         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  chat_id     TEXT NOT NULL,
  run_id      TEXT NOT NULL,
  expires_at  INTEGER NOT NULL,
  PRIMARY KEY (user_id, key),
  FOREIGN KEY (chat_id, run_id) REFERENCES runs (chat_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_run ON idempotency_keys (chat_id, run_id);
