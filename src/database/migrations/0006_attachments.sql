-- Files of messages. A message names its own, by their ids; those of a queued run's message are here before it.
CREATE TABLE attachments (
  chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  id      TEXT NOT NULL,
  name    TEXT NOT NULL,
  type    TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (chat_id, id)
) STRICT, WITHOUT ROWID;

-- What they hold, in pieces, so that none need be in memory as a whole to be sent on.
CREATE TABLE attachment_pieces (
  chat_id TEXT NOT NULL,
  id      TEXT NOT NULL,
  place   INTEGER NOT NULL,
  data    BLOB NOT NULL,
  PRIMARY KEY (chat_id, id, place),
  FOREIGN KEY (chat_id, id) REFERENCES attachments (chat_id, id) ON DELETE CASCADE
) STRICT;
