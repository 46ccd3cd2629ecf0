-- What people have taken of models, by day (UTC, as 2026-11-22). It outlives the chats that it was taken in.
CREATE TABLE usage_by_day (
  user_id             TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  day                 TEXT NOT NULL,
  model               TEXT NOT NULL,
  input_tokens        INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens       INTEGER NOT NULL,
  reasoning_tokens    INTEGER NOT NULL,
  -- 1 where the model API did not say of all of it.
  estimated           INTEGER NOT NULL,
  PRIMARY KEY (user_id, day, model)
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
