-- Requests of strangers that become events. Times are Unix milliseconds.

CREATE TABLE webhook (
    id               BLOB    PRIMARY KEY, -- UUIDv7
    tenant           INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    source           INTEGER NOT NULL, -- cleat__webhook_source
    key_expression   TEXT    NOT NULL,
    scope_expression TEXT    NOT NULL, -- "": none
    static_payload   TEXT,             -- a JSON object; NULL: none
    returns_event    INTEGER NOT NULL,
    auth_kind        INTEGER NOT NULL, -- cleat__webhook_kind
    auth_name        TEXT    NOT NULL, -- a user, or a header
    auth_secret      TEXT    NOT NULL, -- as it was given: signatures are made with it
    auth_algorithm   INTEGER NOT NULL, -- cleat__webhook_algorithm
    auth_encoding    INTEGER NOT NULL, -- cleat__webhook_encoding
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX webhook_by_name ON webhook (tenant, name);

-- The name of the webhook that made an event, which may be gone; NULL: it was pushed.
ALTER TABLE event ADD COLUMN webhook TEXT;
