"""What returnees take back: a consent, a need, or that anything is known of them at all."""
