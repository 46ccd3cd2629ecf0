-- Who gave the title: message (its beginning), model or person.
ALTER TABLE chats ADD COLUMN title_by TEXT;
UPDATE chats SET title_by = 'person' WHERE title IS NOT NULL;

-- The words of titles and messages, each with its owner's mark (search-words.ts). A chat's rows are those from
-- number << 24 on: its title, then its messages by position.
CREATE VIRTUAL TABLE search USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
-- What is deleted is marked as such, and gone when its part of the index is written anew: when 1 % of it is marked.
INSERT INTO search (search, rank) VALUES ('deletemerge', 1);

-- Messages up to the position `unread` were said before there was an index, and are not in it yet.
CREATE TABLE search_chats (
  number  INTEGER PRIMARY KEY,
  chat_id TEXT NOT NULL UNIQUE REFERENCES chats (id) ON DELETE CASCADE,
  unread  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX search_chats_unread ON search_chats (number) WHERE unread > 0;
INSERT INTO search_chats (chat_id, unread) SELECT chat_id, max(position) FROM messages GROUP BY chat_id;
CREATE TRIGGER search_chats_gone AFTER DELETE ON search_chats BEGIN
  DELETE FROM search WHERE rowid BETWEEN old.number << 24 AND (old.number << 24) + 0xffffff;
  -- Up to so many pages at once; what is more is done with later writes.
  INSERT INTO search (search, rank) VALUES ('merge', 64);
END;
