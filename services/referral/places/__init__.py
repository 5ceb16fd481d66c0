"""The ledger of places: declared by providers, held by offers, taken by acceptances. Only this part writes to it."""
