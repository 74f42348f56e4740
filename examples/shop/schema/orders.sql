-- Tables of the orders service; safe to run on every start.
BEGIN;
SELECT pg_advisory_xact_lock(710001);
CREATE SCHEMA IF NOT EXISTS orders;
CREATE TABLE IF NOT EXISTS orders.orders (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sku             text        NOT NULL,
    quantity        integer     NOT NULL CHECK (quantity > 0),
    unit_price      integer     NOT NULL DEFAULT 0, -- cents
    total           integer     NOT NULL DEFAULT 0, -- cents
    currency        text        NOT NULL DEFAULT 'EUR',
    email           text        NOT NULL,
    status          text        NOT NULL DEFAULT 'pending' CHECK (
        status IN ('pending', 'authorised', 'paid', 'rejected', 'payment_failed', 'cancelled')),
    idempotency_key text UNIQUE,
    reservation_id  text,
    charge_id       text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS orders_by_sku ON orders.orders (sku);
COMMIT;
