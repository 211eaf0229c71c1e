// Made of operations.toml by `python -m signbit.bitformat.generate`: bodies by name, for body.h.
// Change the table, not this file.
// clang-format off

void avg_pool(const NodeContext& context, const Tile& tile);
void channel_shuffle(const NodeContext& context, const Tile& tile);
void concat(const NodeContext& context, const Tile& tile);
void depth_to_space(const NodeContext& context, const Tile& tile);
void flatten(const NodeContext& context, const Tile& tile);
void global_mean(const NodeContext& context, const Tile& tile);
void identity(const NodeContext& context, const Tile& tile);
void l2_normalise(const NodeContext& context, const Tile& tile);
void layer_norm(const NodeContext& context, const Tile& tile);
void matmul(const NodeContext& context, const Tile& tile);
void max_pool(const NodeContext& context, const Tile& tile);
void mean_abs(const NodeContext& context, const Tile& tile);
void reshape(const NodeContext& context, const Tile& tile);
void sign_sum(const NodeContext& context, const Tile& tile);
void slice(const NodeContext& context, const Tile& tile);
void softmax(const NodeContext& context, const Tile& tile);
void space_to_depth(const NodeContext& context, const Tile& tile);
void transpose(const NodeContext& context, const Tile& tile);
void upsample(const NodeContext& context, const Tile& tile);

// By place in the enum; null for operations with weights.
constexpr Body kBodies[] = {nullptr, nullptr, sign_sum, mean_abs, max_pool, avg_pool, global_mean,
    max_pool, identity, flatten, concat, slice, upsample, space_to_depth, depth_to_space,
    channel_shuffle, transpose, reshape, softmax, l2_normalise, layer_norm, matmul};

// clang-format on
