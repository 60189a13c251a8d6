"""What several tests share: tiny models and tokenizers, processes, a hub, runs that die or have two ranks, cards."""
