-- What a client's own names of chats are turned into ids with: nobody can tell another's, and take it first.
CREATE TABLE chat_id_key (key BLOB NOT NULL) STRICT;
INSERT INTO chat_id_key VALUES (randomblob(32));
