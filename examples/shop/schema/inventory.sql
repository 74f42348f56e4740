-- Tables of the inventory service, and the goods a visitor finds; safe to run on every start.
BEGIN;
SELECT pg_advisory_xact_lock(710002);
CREATE SCHEMA IF NOT EXISTS inventory;
CREATE TABLE IF NOT EXISTS inventory.items (
    sku        text PRIMARY KEY,
    name       text    NOT NULL,
    unit_price integer NOT NULL CHECK (unit_price >= 0), -- cents
    available  integer NOT NULL CHECK (available >= 0)
);
CREATE TABLE IF NOT EXISTS inventory.reservations (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sku        text        NOT NULL REFERENCES inventory.items,
    quantity   integer     NOT NULL CHECK (quantity > 0),
    unit_price integer     NOT NULL,
    reference  text        NOT NULL,
    state      text        NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS reservations_by_sku ON inventory.reservations (sku);
INSERT INTO inventory.items (sku, name, unit_price, available) VALUES
    ('mug-blue', 'Blue mug', 950, 1000000),
    ('teapot', 'Teapot for four', 3400, 1000000),
    ('notebook', 'Squared notebook', 420, 1000000),
    ('desk-lamp', 'Desk lamp', 5900, 1000000)
ON CONFLICT (sku) DO NOTHING;
COMMIT;
