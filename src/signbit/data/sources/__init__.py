"""Where images come from: folders, Parquet files, the Hub, and the digits of scikit-learn."""
