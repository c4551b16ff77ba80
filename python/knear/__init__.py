"""knear finds the nearest vectors.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.random((1000, 64), dtype="float32")
    >>> index = knear.IndexFlatL2(64)
    >>> index.add(x)
    1000
    >>> D, I = index.search(x[:2], 3)
    >>> I[:, 0].tolist()
    [0, 1]

Those who know the field are at home: `import knear as faiss`.
"""

from . import typing
from ._errors import (
    Conflict,
    CorruptFile,
    DuplicateId,
    Error,
    InvalidArgument,
    IoFailure,
    NotFound,
    OutOfMemory,
    Stopped,
    Timeout,
    Unsupported,
    WrongState,
    WrongType,
)
from ._evaluate import Evaluation, evaluate
from ._kmeans import Kmeans
from ._knear import (
    METRIC_COSINE,
    METRIC_GOWER,
    METRIC_INNER_PRODUCT,
    METRIC_L1,
    METRIC_L2,
    Capabilities,
    FileBuilder,
    FileInfo,
    FileSection,
    GraphStats,
    IDSelector,
    IDSelectorAll,
    IDSelectorAnd,
    IDSelectorArray,
    IDSelectorBatch,
    IDSelectorBitmap,
    IDSelectorNot,
    IDSelectorOr,
    IDSelectorRange,
    IDSelectorXOr,
    Index,
    IndexRefineSearchParameters,
    IndexStats,
    METRIC_BrayCurtis,
    METRIC_Canberra,
    METRIC_Jaccard,
    METRIC_JensenShannon,
    METRIC_Linf,
    METRIC_Lp,
    METRIC_NaNEuclidean,
    Progress,
    Report,
    SearchParameters,
    SearchParametersHNSW,
    SearchParametersIVF,
    SearchParametersPQ,
    SearchParametersPreTransform,
    SearchStats,
    VectorFile,
    VectorTransform,
    cpu_level,
    deserialize_index,
    from_bytes,
    index,
    index_factory,
    inspect,
    kmeans_1d,
    knn,
    knn_graph,
    load,
    normalize_L2,
    num_threads,
    open_vectors,
    read_ids,
    read_VectorTransform,
    read_index,
    read_vectors,
    recall,
    serialize_index,
    set_num_threads,
    verify_file,
    version,
    write_VectorTransform,
    write_index,
    write_vectors,
)
from ._combinations import MultiIndexQuantizer, ResidualCoarseQuantizer
from ._files import merge_ondisk
from ._graph_kinds import (
    NSG,
    IndexNNDescent,
    IndexNNDescentFlat,
    IndexNSG,
    IndexNSGFlat,
    IndexNSGPQ,
    IndexNSGSQ,
    IndexVamana,
    IndexVamanaFlat,
    IndexVamanaPQ,
    IndexVamanaSQ,
    NNDescent,
)
from ._graphs import HNSW, IndexHNSW, IndexHNSW2Level, IndexHNSWFlat, IndexHNSWPQ, IndexHNSWSQ
from ._ivf import (
    Index2Layer,
    IndexIVF,
    IndexIVFFlat,
    IndexIVFFlatDedup,
    IndexIVFPQ,
    IndexIVFPQFastScan,
    IndexIVFPQR,
    IndexIVFRaBitQ,
    IndexIVFScalarQuantizer,
    InvertedLists,
)
from ._ivf_images import IndexIVFIndependentQuantizer, IndexIVFSpectralHash
from ._names import (
    IndexFlat,
    IndexFlat1D,
    IndexFlatCosine,
    IndexFlatIP,
    IndexFlatL2,
    IndexLattice,
    IndexLSH,
    IndexPQ,
    IndexPQFastScan,
    IndexRaBitQ,
    IndexScalarQuantizer,
)
from ._plots import plot_degrees, plot_list_sizes
from ._process import get_mem_usage_kb, warn_of_unmet_wishes
from ._sq_specs import ScalarQuantizer
from ._transforms import (
    CenteringTransform,
    HadamardRotation,
    ITQMatrix,
    ITQTransform,
    LinearTransform,
    NormalizationTransform,
    OPQMatrix,
    PCAMatrix,
    RandomRotationMatrix,
    RemapDimensionsTransform,
)
from ._wrappers import IndexPreTransform, IndexRefine, IndexRefineFlat

IVFSearchParameters = SearchParametersIVF

# The field's names for the same things.
omp_set_num_threads = set_num_threads
omp_get_max_threads = num_threads

__version__ = version()
__all__ = [
    "Capabilities", "CenteringTransform", "Conflict", "CorruptFile", "DuplicateId", "Error", "Evaluation",
    "FileBuilder", "FileInfo", "FileSection", "GraphStats", "HNSW", "HadamardRotation", "IDSelector", "IDSelectorAll", "IDSelectorAnd",
    "IDSelectorArray", "IDSelectorBatch", "IDSelectorBitmap", "IDSelectorNot", "IDSelectorOr", "IDSelectorRange",
    "IDSelectorXOr", "ITQMatrix", "ITQTransform", "Index", "IndexFlat", "IndexFlat1D", "IndexFlatCosine",
    "IndexFlatIP", "IndexFlatL2", "IndexLSH", "IndexLattice", "IndexPQ", "IndexPQFastScan", "IndexPreTransform",
    "IndexHNSW", "IndexHNSW2Level", "IndexHNSWFlat", "IndexHNSWPQ", "IndexHNSWSQ", "IndexNNDescent", "IndexNNDescentFlat", "IndexNSG",
    "IndexNSGFlat", "IndexNSGPQ", "IndexNSGSQ", "IndexVamana", "IndexVamanaFlat", "IndexVamanaPQ", "IndexVamanaSQ",
    "NNDescent", "NSG",
    "Index2Layer", "IndexIVF", "IndexIVFFlat", "IndexIVFFlatDedup", "IndexIVFIndependentQuantizer",
    "IndexIVFPQ", "IndexIVFPQFastScan", "IndexIVFPQR", "IndexIVFRaBitQ", "IndexIVFScalarQuantizer",
    "IndexIVFSpectralHash", "InvertedLists", "MultiIndexQuantizer",
    "ResidualCoarseQuantizer",
    "IndexRaBitQ", "IndexRefine", "IndexRefineFlat", "IndexRefineSearchParameters", "IndexScalarQuantizer",
    "IndexStats", "InvalidArgument", "IoFailure", "Kmeans", "LinearTransform", "METRIC_BrayCurtis", "METRIC_COSINE",
    "METRIC_Canberra", "METRIC_GOWER", "METRIC_INNER_PRODUCT", "METRIC_Jaccard", "METRIC_JensenShannon",
    "METRIC_L1", "METRIC_L2", "METRIC_Linf", "METRIC_Lp", "METRIC_NaNEuclidean", "NormalizationTransform",
    "NotFound", "OPQMatrix", "OutOfMemory", "PCAMatrix", "Progress", "RandomRotationMatrix",
    "RemapDimensionsTransform", "Report", "ScalarQuantizer", "SearchParameters", "SearchParametersHNSW",
    "SearchParametersIVF", "SearchParametersPQ",
    "SearchParametersPreTransform", "SearchStats", "Stopped", "Timeout", "Unsupported", "VectorFile",
    "VectorTransform", "WrongState", "WrongType", "cpu_level", "deserialize_index", "evaluate", "from_bytes",
    "get_mem_usage_kb", "index", "index_factory", "inspect", "kmeans_1d", "knn", "knn_graph",
    "load", "merge_ondisk", "normalize_L2", "num_threads",
    "omp_get_max_threads", "omp_set_num_threads", "open_vectors", "plot_degrees", "plot_list_sizes", "read_VectorTransform", "read_ids", "read_index",
    "read_vectors", "recall", "serialize_index", "set_num_threads", "typing", "verify_file", "version",
    "write_VectorTransform", "write_index", "write_vectors",
]  # fmt: skip

warn_of_unmet_wishes()
del warn_of_unmet_wishes
