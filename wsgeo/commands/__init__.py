"""One file per verb: parse, call one public function, print."""
