static float from_0_to_6(float t) { return t < 0 ? 0.0f : t > 6.0f ? 6.0f : t; }
