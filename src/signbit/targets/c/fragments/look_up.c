/* Pixels by a table: to[i] is what takes the place of from[i], of channel i mod `channels`. */
static void look_up(const uint8_t *from, int32_t count, int32_t channels, const uint8_t *table,
                    uint8_t *to) {
  for (int32_t i = 0; i < count; ++i) to[i] = table[from[i] * channels + i % channels];
}
