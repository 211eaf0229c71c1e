// Small damage to a valid graph: what its text says is changed where a reader looks, so that nearly
// every input gets far into the validator.
#pragma once

#include "graph_text.h"

namespace fuzz {

// Changes one to three places of the text, the constants' entries or their bytes.
void damage(Draws* draws, GraphText* text);

}  // namespace fuzz
