"""What student and teachers answer in an evaluation, added up for a report; one file per kind of answer."""
