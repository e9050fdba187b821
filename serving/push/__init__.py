"""From a scored book to what each destination is told: parcels, the ledger of what arrived, and one push."""
