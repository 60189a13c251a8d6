"""What several tests share: tiny models and tokenizers, a hub, runs that die or have two ranks, a card as HTML."""
