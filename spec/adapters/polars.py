"""polars: takes the log from deltalake and reads Parquet, partitions and deletion vectors itself."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")   # this folder would hide the package of the same name
import polars
from protocol.serve import needs, select_list, serve, where_clause


def read(request):
    version = request.get("version")
    if request.get("timestamp"):
        version = request["timestamp"]
    frame = polars.scan_delta(request["path"], version=version)
    if request.get("where"):
        frame = polars.SQLContext(t=frame).execute(f"SELECT {select_list(request)} FROM t{where_clause(request)}")
    elif request.get("columns"):
        frame = frame.select(request["columns"])
    return frame.collect().to_arrow()


if __name__ == "__main__":
    serve("polars", polars.__version__, {"read": read})
