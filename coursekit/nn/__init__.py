"""The NumPy reference layers: written to be read, imported one family at a time.

The modules below stand in the order in which one reads them: first what the smallest convolutional network needs, from
one window to a network that learns; then how its gradients are checked; then what later networks add. `naive` comes
before all of them: the same layers as loops. How a convolution is computed fast is told behind `conv`, from `textbook`
and `windows` on.
"""

from coursekit._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        # one layer after the other
        "steps": (
            "conv_steps",
            "conv_backward_steps",
            "im2col_steps",
            "pool_steps",
            "pool_backward_steps",
        ),
        "conv": ("conv_forward", "conv_backward"),
        "pool": ("max_pool_forward", "max_pool_backward"),
        "activation": (
            "relu_forward",
            "relu_backward",
            "leaky_relu_forward",
            "leaky_relu_backward",
            "elu_forward",
            "elu_backward",
            "sigmoid_forward",
            "sigmoid_backward",
            "tanh_forward",
            "tanh_backward",
        ),
        "dense": ("affine_forward", "affine_backward"),
        "loss": ("softmax", "softmax_cross_entropy", "svm_loss"),
        # a network that learns
        "layers": ("Layer", "Convolution", "Relu", "MaxPooling", "Affine", "SoftmaxWithLoss"),
        "init": ("fan_in_out", "normal_init", "xavier_init", "he_init", "pytorch_init"),
        "sequential": ("Sequential",),
        "optim": ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "Optimiser"),
        "schedules": (
            "step_decay",
            "linear_decay",
            "exponential_decay",
            "inverse_decay",
            "cosine_decay",
            "warm_up",
            "one_cycle",
        ),
        # is the gradient right?
        "gradcheck": ("numerical_gradient", "check_gradient"),
        "diagnosis": ("diagnose_gradient", "diagnose_gradients", "diagnose_layer", "diagnose_network"),
        "suspects": ("conv_suspects", "max_pool_suspects"),
        # other kinds of layers
        "pool_average": (
            "average_pool_forward",
            "average_pool_backward",
            "l2_pool_forward",
            "l2_pool_backward",
            "global_average_pool_forward",
            "global_average_pool_backward",
        ),
        "fractional": ("fractional_edges", "fractional_max_pool_forward", "fractional_max_pool_backward"),
        "norm": (
            "RunningStatistics",
            "batch_norm_forward",
            "batch_norm_backward",
            "layer_norm_forward",
            "layer_norm_backward",
        ),
        "whitening": ("whiten",),
        "response_norm": ("local_response_norm_forward", "local_response_norm_backward"),
        "dropout": ("dropout_forward", "dropout_backward"),
        "more_layers": (
            "AveragePooling",
            "L2Pooling",
            "GlobalAveragePooling",
            "FractionalMaxPooling",
            "LeakyRelu",
            "Elu",
            "Sigmoid",
            "Tanh",
            "BatchNorm",
            "LayerNorm",
            "LocalResponseNorm",
            "Dropout",
            "SvmLoss",
        ),
        "networks": ("SimpleConvNet", "DeepConvNet", "AllConvNet"),
        # convolution's relatives
        "local": ("locally_connected_forward", "locally_connected_backward"),
        "transposed": ("conv_transpose_forward", "conv_transpose_backward"),
        "to_conv": ("affine_to_conv", "conv_to_affine"),
        "stitch": ("shift_and_stitch",),
    },
)
